/** The three tables as the other system's own set-up makes them on MySQL. */
export const givenTables = [
  `create table users (
    user_id int unsigned not null auto_increment primary key,
    nom varchar(80) not null,
    prenom varchar(80) not null,
    date_naissance date not null,
    rue varchar(120) not null,
    npa char(4) not null,
    localite varchar(80) not null,
    tel varchar(24) null,
    email varchar(254) not null,
    created_at datetime not null default current_timestamp,
    updated_at datetime not null default current_timestamp on update current_timestamp,
    unique key uk_users_email (email),
    key ix_users_email (email)
  ) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_520_ci`,
  `create table acces_app (
    email varchar(254) not null primary key,
    password_hash varchar(255) not null,
    constraint fk_acces_app_email foreign key (email) references users (email) on update cascade on delete cascade
  ) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_520_ci`,
  `create table abonnement (
    abo_id bigint unsigned not null auto_increment primary key,
    abo_id_actual varchar(64) null unique,
    user_id int unsigned not null,
    abo_state enum('active','paused','expired','canceled','pending') not null default 'pending',
    abo_name varchar(80) not null,
    abo_date_start date null,
    abo_date_creation datetime not null default current_timestamp,
    abo_date_stop date null,
    abo_duration int unsigned null,
    abo_renew tinyint(1) not null default 0,
    abo_price decimal(10,2) not null default 0,
    abo_discount decimal(5,2) not null default 0,
    abo_slices int unsigned null,
    abo_price_finances decimal(10,2) null,
    created_at datetime not null default current_timestamp,
    updated_at datetime not null default current_timestamp on update current_timestamp,
    key ix_abo_user_state (user_id, abo_state),
    key ix_abo_stop (abo_date_stop),
    constraint fk_abo_user foreign key (user_id) references users (user_id) on update cascade on delete cascade
  ) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_520_ci`,
] as const;

/** The same tables in the later version: other names, nothing unique, most of it may be null. */
export const prefixedTables = [
  `create table users (
    user_id bigint not null auto_increment primary key,
    user_nom varchar(80) null,
    user_prenom varchar(80) null,
    user_date_naissance date null,
    user_rue varchar(120) null,
    user_npa varchar(10) null,
    user_localite varchar(80) null,
    user_telephone varchar(24) null,
    user_mobile varchar(24) null,
    user_email varchar(191) not null,
    created_at datetime null default current_timestamp,
    updated_at datetime null default current_timestamp on update current_timestamp,
    key ix_users_email (user_email)
  ) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_520_ci`,
  `create table acces_app (
    acces_id bigint not null auto_increment primary key,
    user_email varchar(191) not null,
    acces_password varchar(255) not null,
    key ix_acces_email (user_email)
  ) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_520_ci`,
  `create table abonnement (
    abo_id bigint not null auto_increment primary key,
    abo_id_actual varchar(64) null,
    user_id bigint null,
    abo_state varchar(20) null,
    abo_name varchar(80) null,
    abo_date_start date null,
    abo_date_stop date null,
    abo_duration int null,
    abo_renew tinyint(1) null,
    abo_price decimal(10,2) null,
    abo_discount decimal(5,2) null,
    abo_slices int null,
    key ix_abo_user (user_id)
  ) engine=InnoDB default charset=utf8mb4 collate=utf8mb4_unicode_520_ci`,
] as const;
