/** What the bench tells a peer through its environment. */
export const settings = {
  databaseUrl: process.env.DATABASE_URL,
  jwtSecret: process.env.JWT_SECRET,
  jwtIssuer: process.env.JWT_ISSUER,
  jwtAudience: process.env.JWT_AUDIENCE,
  host: '127.0.0.1',
  port: Number(process.env.PORT),
};
