import { developmentSecret, type Placement, type SeedReport } from '@quinta/platform/service';

/** The one page that `start` prints: where everything is, and how to try it. */
export function welcomePage(started: {
  readonly placement: Placement;
  readonly seeds: ReadonlyMap<string, SeedReport>;
  readonly address: string;
  readonly isShared: boolean;
}): string {
  const { placement, seeds, isShared } = started;
  const base = started.address.replace('//0.0.0.0', '//localhost').replace('//[::]', '//localhost');
  const lines = placement.placed.flatMap(({ service: { face }, isEmbedded }) => {
    const at = isShared ? `${base}/${face.name}` : base;
    const seed = seeds.get(face.name);
    return [
      `  ${face.title}: ${face.summary}`,
      `    API docs    ${at}/docs   (reference: ${at}/redoc)`,
      `    health      ${at}/health   ready: ${at}/ready   metrics: ${at}/metrics`,
      ...(isEmbedded ? [`    database    embedded; psql "$(npx quinta database url ${face.name})"`] : []),
      ...(seed
        ? [
            `    demo        ${seed.summary}`,
            `    sign in as  ${seed.accounts.map(({ name, role }) => `${name} (${role})`).join(', ')}`,
          ]
        : []),
      ...(placement.isProduction ? [] : [`    a token     npx quinta token ${face.name}`]),
      '',
    ];
  });
  const password =
    seeds.size > 0
      ? [`  Demo password of all: ${developmentSecret(placement.dataDirectory, 'demo-password')}`, '']
      : [];
  const front = isShared ? [`  Start here: ${base}/`, ''] : [];
  return ['', `Quinta answers at ${base}`, '', ...front, ...lines, ...password, 'Stop with Ctrl-C.'].join('\n');
}
