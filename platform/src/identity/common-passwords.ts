/**
 * What people choose when they are asked for a password: words, the endings they put behind them, rows of keys, and
 * whole passwords that fit no pattern. Written for this house in the languages of its users (English, Spanish, French,
 * some German and Italian). The list is every combination, some hundred thousand, and is never laid out: a password is
 * taken apart the way it would have been put together.
 */

const words = setOf(`
password passwort contrasena contraseña motdepasse parola senha passw pass clave secret secreto geheim
admin administrator administrador administrateur root toor user usuario utilisateur guest invitado test tester testing
demo default master system sistema server oracle mysql postgres login welcome bienvenido bienvenue willkommen hello
hola bonjour salut ciao changeme cambiame changemoi letmein access acceso monkey dragon shadow sunshine princess
princesa princesse football futbol fútbol baseball basketball soccer hockey tennis superman batman spiderman pokemon
starwars matrix ninja samurai pirate killer hunter ranger soldier trustno iloveyou teamo tequiero jetaime loveme love
lover amor amour corazon bonita hermosa estrella angel angelo angelito diablo jesus jesuscristo dios maria guadalupe
virgen mama mamá papa familia family amigo amigos amigas friends mexico méxico argentina colombia chile peru españa
espana france suisse schweiz valais sion paris madrid barcelona realmadrid chivas america pumas cruzazul tigres
summer winter spring autumn verano invierno primavera otono soleil ete hiver printemps january february march april
june july august september october november december enero febrero marzo abril mayo junio julio agosto septiembre
octubre noviembre diciembre monday tuesday wednesday thursday friday saturday sunday lunes martes miercoles jueves
viernes sabado domingo lundi mardi mercredi jeudi vendredi samedi dimanche michael michelle jennifer jessica jordan
daniel daniela andrew andrea anthony charlie thomas robert william joseph joshua matthew ashley nicole hannah samantha
alexander alejandro alejandra fernando fernanda francisco gabriel gabriela carlos carolina miguel antonio roberto
ricardo eduardo sebastian valentina mariana juan juanito jose luis pedro pablo diego sofia camila isabella nicolas
julien pierre marie camille chocolate banana orange apple cookie cheese pepper coffee pizza tequila cerveza naranja
flower butterfly mariposa rainbow purple yellow silver golden diamond crystal computer internet windows samsung google
facebook youtube whatsapp twitter instagram android iphone mercedes ferrari porsche mustang corvette yamaha harley
honda toyota nissan company empresa office oficina business manager gerente director staff team service support
soporte money dinero argent whatever nothing freedom liberty libertad liberte phoenix thunder lightning storm tiger
lion bear wolf eagle hawk falcon horse caballo perro gato gatito chien chat cowboy rancho finca quinta sofipo crodify
mexa ticket voucher vale loan prestamo abonnement member socio
`);

const endings = setOf(`
1 2 7 12 13 21 22 23 69 77 88 99 00 01 007 10 11 100 111 123 321 333 456 666 777 789 888 999 000 1234 4321 12345 54321
123456 654321 1234567 12345678 123456789 ! !! !!! ? . * # 1! 12! 123! 1234! 12345! !1 !123 @1 @12 @123 @1234 #1 #123
.1 .123 _1 _123 -1 -123 1. 123. 1* 123* 1# 123# abc xyz qwe q1 a1 x1 mx es fr ch us
`);

const rows = setOf(`
01234567890 0987654321 abcdefghijklmnopqrstuvwxyz zyxwvutsrqponmlkjihgfedcba qwertyuiop asdfghjkl zxcvbnm qwertzuiop
azertyuiop qsdfghjklm wxcvbn 1qaz2wsx3edc4rfv5tgb6yhn 1q2w3e4r5t6y7u8i9o0p q1w2e3r4t5y6u7i8o9p0 qazwsxedcrfvtgbyhn
zaq12wsxcde34rfv qweasdzxc 1qazxsw23edc poiuytrewq lkjhgfdsa mnbvcxz 147258369 159357 741852963 123qweasdzxc
qwertyuiopasdfghjklzxcvbnm 13579246810 2468101214 !@#$%^&*() !"·$%&/()=
`);

const wholes = setOf(`
1q2w3e4r 1qaz2wsx 1qaz@wsx 1qazxsw2 zaq1zaq1 qwer1234 1234qwer qwe123 123qwe asdf1234 1234asdf abcd1234 1234abcd
abc12345 12345abc a1b2c3d4 a1b2c3d4e5 q1w2e3r4 aa123456 aa12345678 123456aa 123456789a a123456789 1234567890a
password1password passwordpassword adminadmin rootroot testtest useruser hellohello lovelove qwertyqwerty abcabcabc
123123123 321321321 112233445566 11223344 1122334455 12121212 123454321 1234554321 123321123 987654321a 121212 131313
101010 102030 10203040 1020304050 010203 01020304 19841984 19901990 20002000 20202020 987654 159753 147258 147852
789456123 456789123 369258147 correcthorsebatterystaple correct-horse-battery-staple opensesame abracadabra
supercalifragilisticexpialidocious letmein1letmein openupnow ihateyou iloveyou2 iloveu iloveyousomuch ilovemyself
fuckyou fuckyou1 asshole bullshit biteme trustno1 trustnoone noaccess nopassword mypassword yourpassword thepassword
newpassword oldpassword temppassword temporal temporary temp1234 tempora1 initial1 firstpassword password-1
pa55word pa55w0rd passw0rd p4ssword p4ssw0rd p@ssword p@ssw0rd p@$$word p@$$w0rd passw@rd pa$$word pa$$w0rd
contrase4a micontrasena micontraseña miclave minombre mypass1234 monmotdepasse sesamo ouvretoi lemotdepasse
qwerty12 qwerty123 qwerty1234 qwerty12345 qwerty!@# qwerty@123 azerty12 azerty123 asdfasdf asdf asdfqwer zxcvzxcv
zxcv1234 poiuytrewq1 q1q1q1q1 a1a1a1a1 z1z1z1z1 1a2b3c4d 1a2s3d4f 1z2x3c4v zaq12wsx xsw21qaz !qaz2wsx !qaz@wsx
michaeljordan chivas1906 america1916 realmadrid7 viva-mexico vivamexico holamundo helloworld hello-world hello123
rockyou rockyou1 barcelona10 messi10 ronaldo7 cr7cr7cr7 naruto goku dragonball minecraft fortnite roblox freefire pubgmobile
`);

/** What is written for a letter, the habit that "P@ssw0rd" comes from. */
const disguises: Readonly<Record<string, string>> = {
  '@': 'a',
  '4': 'a',
  '3': 'e',
  '1': 'i',
  '0': 'o',
  $: 's',
  '5': 's',
  '7': 't',
};

const rowLengthMin = 6;
const endingLengthMax = 10;
/** A character, or two to four of them, over and over: "aaaaaaaa", "abcabcabc". */
const repeated = /^(.{1,4})\1{2,}$/su;
const year = /^(?:19[5-9]\d|20[0-3]\d)$/;
/** One sign more behind an ending: "Summer2024!". */
const lastSign = /[!?.*#$]$/;

/** Whether the whole password, letter case aside, is on the list. */
export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase();
  return wholes.has(text) || repeated.test(text) || isWordAndEnding(text);
}

function isWordAndEnding(text: string): boolean {
  for (let size = 0; size <= Math.min(endingLengthMax, text.length - 1); size++) {
    const cut = text.length - size;
    if (isEnding(text.slice(cut)) && isWord(text.slice(0, cut))) return true;
  }
  return false;
}

function isEnding(text: string): boolean {
  const shorter = text.replace(lastSign, '');
  return [text, shorter].some((ending) => ending === '' || endings.has(ending) || year.test(ending));
}

/** A word, plain or disguised, or a stretch of a row of keys; once or twice over. */
function isWord(text: string): boolean {
  const half = text.slice(0, text.length / 2);
  return isSingleWord(text) || (half + half === text && isSingleWord(half));
}

function isSingleWord(text: string): boolean {
  const plain = text.replaceAll(/[@431057$]/g, (sign) => disguises[sign] ?? sign);
  return words.has(text) || words.has(plain) || (text.length >= rowLengthMin && isStretchOfRow(text));
}

function isStretchOfRow(text: string): boolean {
  for (const row of rows) if (row.includes(text)) return true;
  return false;
}

function setOf(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((word) => word !== ''));
}
