import { createServer } from 'node:http';
import { hash, verify } from '@node-rs/argon2';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import pg from 'pg';

/**
 * Sign-in and refresh as better-auth does them, on PostgreSQL, with the same Argon2id. Its sessions are rows that the
 * client's cookie names; `updateAge: 0` makes each look at the session prolong it, which is what a refresh is there.
 */
const { DATABASE_URL, JWT_SECRET, PORT, MEMBERS, PASSWORD } = process.env;
const [memoryCost, timeCost, parallelism] = process.env.ARGON2.split(',').map(Number);
const options = {
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: JWT_SECRET,
  database: new pg.Pool({ connectionString: DATABASE_URL, max: 10 }),
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => hash(password, { memoryCost, timeCost, parallelism }),
      verify: ({ hash: stored, password }) => verify(stored, password),
    },
  },
  session: { expiresIn: 86_400, updateAge: 0 },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
};
const auth = betterAuth(options);
const { runMigrations } = await getMigrations(options);
await runMigrations();
for (let place = 1; place <= Number(MEMBERS); place += 1) {
  const email = `member${place}@bench.example`;
  await auth.api.signUpEmail({ body: { email, password: PASSWORD, name: `Member ${place}` } });
}
const handle = toNodeHandler(auth);
createServer((request, reply) => void handle(request, reply)).listen(Number(PORT), '127.0.0.1');
