/**
 * The series of counters and histograms, and how many there may be. A label that bad input could fill would make a
 * series for each value and in the end exhaust Prometheus, so that past `seriesMax` all further values share one series
 * a service.
 *
 * They are kept here and not in prom-client, which makes a text of all labels and looks it up at each count: several
 * counts a request are on every hot path. Its registry asks for the values when somebody scrapes.
 */

/** The labels of a series, `service` among them. */
type Labels = Readonly<Record<string, string>>;

/** One value as a registry of prom-client shows it. */
export interface SeriesValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What a value becomes that is not on a list, or comes after too many others. */
export const otherLabel = 'OTHER';

export const seriesMax = 2000;

/** Counts by service and labels; only grows. */
export class CounterSeries {
  readonly #name: string;
  readonly #series: SeriesTable<{ total: number }>;

  constructor(name: string, labelNames: readonly string[]) {
    this.#name = name;
    this.#series = new SeriesTable(labelNames, () => ({ total: 0 }));
  }

  add(service: string, labels: Labels, value: number): void {
    this.#series.at(service, labels).total += value;
  }

  values(): SeriesValue[] {
    return this.#series.all().map(({ labels, of }) => ({ metricName: this.#name, labels, value: of.total }));
  }
}

/** Values by service and labels, counted in buckets. */
export class HistogramSeries {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #series: SeriesTable<Distribution>;

  /** @param bounds the upper bounds of the buckets, growing; a value on a bound is in its bucket */
  constructor(name: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.#name = name;
    this.#bounds = bounds;
    this.#series = new SeriesTable(labelNames, () => ({ counts: bounds.map(() => 0), count: 0, sum: 0 }));
  }

  add(service: string, labels: Labels, value: number): void {
    const of = this.#series.at(service, labels);
    of.count += 1;
    of.sum += value;
    const bucket = this.#bounds.findIndex((bound) => value <= bound);
    if (bucket !== -1) of.counts[bucket] = (of.counts[bucket] ?? 0) + 1;
  }

  values(): SeriesValue[] {
    return this.#series.all().flatMap(({ labels, of }) => this.#valuesOf(labels, of));
  }

  /** A bucket shows what is in it and in those below; the last one, without a bound, all there is. */
  #valuesOf(labels: Labels, { counts, count, sum }: Distribution): SeriesValue[] {
    const metricName = `${this.#name}_bucket`;
    let below = 0;
    const buckets = this.#bounds.map((le, place) => {
      below += counts[place] ?? 0;
      return { metricName, labels: { le, ...labels }, value: below };
    });
    return [
      ...buckets,
      { metricName, labels: { le: '+Inf', ...labels }, value: count },
      { metricName: `${this.#name}_sum`, labels, value: sum },
      { metricName: `${this.#name}_count`, labels, value: count },
    ];
  }
}

interface Distribution {
  readonly counts: number[];
  count: number;
  sum: number;
}

/** A step on the way to a series: the service first, then one label after the other. */
interface Step<Value> {
  readonly next: Map<string, Step<Value>>;
  of: Value | undefined;
}

class SeriesTable<Value> {
  readonly #labelNames: readonly string[];
  readonly #make: () => Value;
  readonly #root: Step<Value> = { next: new Map(), of: undefined };
  readonly #known: { readonly labels: Labels; readonly of: Value }[] = [];
  /** The series of each service that came after too many others. */
  readonly #others = new Map<string, Value>();

  constructor(labelNames: readonly string[], make: () => Value) {
    this.#labelNames = labelNames;
    this.#make = make;
  }

  /** What is counted for these labels, made where they are new. */
  at(service: string, labels: Labels): Value {
    let step = this.#root.next.get(service);
    for (const name of this.#labelNames) step = step?.next.get(labels[name] ?? '');
    return step?.of ?? this.#made(service, labels);
  }

  all(): readonly { readonly labels: Labels; readonly of: Value }[] {
    return this.#known;
  }

  #made(service: string, given: Labels): Value {
    const isFull = this.#known.length - this.#others.size >= seriesMax;
    const found = isFull ? this.#others.get(service) : undefined;
    if (found) return found;
    const of = this.#make();
    const labels: Record<string, string> = { service };
    for (const name of this.#labelNames) labels[name] = isFull ? otherLabel : (given[name] ?? '');
    this.#known.push({ labels, of });
    if (isFull) this.#others.set(service, of);
    else this.#stepTo(Object.values(labels)).of = of;
    return of;
  }

  #stepTo(values: readonly string[]): Step<Value> {
    let step = this.#root;
    for (const value of values) {
      const next: Step<Value> = step.next.get(value) ?? { next: new Map(), of: undefined };
      step.next.set(value, next);
      step = next;
    }
    return step;
  }
}
