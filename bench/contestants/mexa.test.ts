import { expect, it } from 'vitest';
import { parseSets, parseStatuses, parseUnsealed } from './mexa.ts';

const metrics = `# HELP quinta_set_commands Commands of one set.
# TYPE quinta_set_commands histogram
quinta_set_commands_bucket{le="1",service="mexa",operation="vale.issue"} 7
quinta_set_commands_sum{service="mexa",operation="vale.issue"} 3200
quinta_set_commands_count{service="mexa",operation="vale.issue"} 100
quinta_set_commands_sum{service="mexa",operation="vale.redeem"} 9
quinta_set_commands_count{service="mexa",operation="vale.redeem"} 9
quinta_http_requests_total{route="/api/v1/vales",method="POST",status="201",service="mexa"} 40
quinta_http_requests_total{route="/api/vales",method="POST",status="201",service="mexa"} 2
quinta_http_requests_total{route="/api/v1/vales",method="POST",status="422",service="mexa"} 3
quinta_audit_unsealed_rows{service="mexa"} 12
`;

it('counts the sets of drawing, and of nothing else', () => {
  expect(parseSets(metrics)).toEqual({ commands: 3_200, sets: 100 });
});

it('adds answers of one status up', () => {
  expect([...parseStatuses(metrics)]).toEqual([
    ['201', 42],
    ['422', 3],
  ]);
});

it('knows how many audit rows wait for their seal', () => {
  expect(parseUnsealed(metrics)).toBe(12);
  expect(parseUnsealed('quinta_audit_unsealed_rows 5\n')).toBe(5);
});

it('finds nothing where nothing is told', () => {
  expect(parseSets('')).toEqual({ commands: 0, sets: 0 });
  expect(parseUnsealed('')).toBe(0);
  expect(parseStatuses('').size).toBe(0);
});
