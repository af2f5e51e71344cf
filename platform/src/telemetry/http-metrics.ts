import type { MetricStore } from './metric-store.ts';
import { otherLabel } from './series.ts';

/** An answered request. */
export interface RequestSample {
  /** The pattern of the route (`/vales/:id`), never the path; undefined where no route matched. */
  readonly route: string | undefined;
  readonly method: string;
  readonly status: number;
  readonly durationSeconds: number;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const unmatchedRoute = 'unmatched';

const labelNames = ['route', 'method', 'status'];

/** The counter and the histogram of requests. What a client can choose freely never becomes a label. */
export function createHttpMetrics(store: MetricStore, service: string): { observe(sample: RequestSample): void } {
  const requests = store.counter('quinta_http_requests_total', 'Requests answered.', labelNames);
  const durations = store.histogram(
    'quinta_http_request_duration_seconds',
    'Time from a request to the end of its answer.',
    labelNames,
  );
  return {
    observe: ({ route, method, status, durationSeconds }) => {
      const labels = {
        route: route ?? unmatchedRoute,
        method: methods.has(method) ? method : otherLabel,
        status: status >= 100 && status <= 599 ? String(Math.trunc(status)) : otherLabel,
      };
      requests.add(service, labels, 1);
      durations.add(service, labels, durationSeconds);
    },
  };
}
