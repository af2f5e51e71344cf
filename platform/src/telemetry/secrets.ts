/**
 * The last line of defence against a secret in a log. Whoever logs must not log secrets; where one does all the same,
 * the value goes when its key sounds like a secret's, and what looks like a token goes out of any text.
 */

export const redacted = '[redacted]';

const secretWords = new RegExp(
  [
    'password|passwd|passphrase|contrasena|contraseña|motdepasse',
    'secret|credential|authorization|cookie',
    'apikey|privatekey|signingkey|cvv|cardnumber',
    '(?:tokens?|tokenhash|jwt|salt)$',
    '^(?:pwd|pin|otp|auth)$',
  ].join('|'),
);

/** Whether a key sounds like a secret's, in any case and in camelCase, snake_case or kebab-case. */
export function isSecretKey(key: string): boolean {
  return secretWords.test(key.toLowerCase().replaceAll(/[^a-z0-9ñ]/g, ''));
}

/** A text without one of these cannot hold what `masks` look for; one pass over it is all that most texts cost. */
const suspicion = /eyJ|bearer|:\/\/|passw|secret|token|api[_-]?key/i;

/** None of these may backtrack over more than it matched, because the text can be an attacker's. */
const masks: readonly (readonly [RegExp, string])[] = [
  // A JSON Web Token (RFC 7519), or the part of one that was cut off: base64url of `{"` and what follows.
  [/eyJ[\w-]{10,}(?:\.[\w-]*)*/g, redacted],
  // An Authorization header's value (RFC 6750 section 2.1) within a text.
  [/\b(bearer)\s+[^\s"',;]+/gi, `$1 ${redacted}`],
  // The password in a URL's user information (RFC 3986 section 3.2.1), as connection errors show it.
  [/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, `$1${redacted}@`],
  // `token=…` in a query or a form.
  [/((?:password|passwd|secret|token|api[_-]?key)=)[^\s&"']+/gi, `$1${redacted}`],
  // `"token": "…"` in JSON that was logged as a text, also where its quotes are escaped.
  [/((?:password|passwd|secret|token|api[_-]?key)\\?["']\s*:\s*\\?["'])[^"']+/gi, `$1${redacted}`],
];

/** The text with everything that looks like a token or a password in it masked. */
export function maskText(text: string): string {
  if (text.length < 8 || !suspicion.test(text)) return text;
  let masked = text;
  for (const [pattern, replacement] of masks) masked = masked.replace(pattern, replacement);
  return masked;
}
