export { type Environment, readEnvironment } from './environment.ts';
export { ConfigError, findVariable, readConfig } from './read-config.ts';
export {
  choice,
  type ConfigOf,
  databaseUrl,
  flag,
  integer,
  list,
  password,
  secret,
  type Setting,
  type Settings,
  text,
  url,
} from './setting.ts';
