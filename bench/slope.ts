/** A straight line through points, by least squares, and how sure its slope is. */
export interface Slope {
  /** Change of the value in an hour. */
  perHour: number;
  /** Standard error of `perHour`. */
  error: number;
}

export interface Point {
  ms: number;
  value: number;
}

/** The mean of each stretch of time that has points, at their mean time. */
export function meansOfStretches(points: readonly Point[], stretchMs: number): Point[] {
  const stretches = Map.groupBy(points, ({ ms }) => Math.floor(ms / stretchMs));
  return [...stretches.values()].map((together) => ({
    ms: mean(together.map(({ ms }) => ms)),
    value: mean(together.map(({ value }) => value)),
  }));
}

/** @param points three at least */
export function slopeOf(points: readonly Point[]): Slope {
  const hours = points.map(({ ms }) => ms / 3_600_000);
  const meanHour = mean(hours);
  const meanValue = mean(points.map(({ value }) => value));
  const spread = sum(hours.map((hour) => (hour - meanHour) ** 2));
  const perHour = sum(points.map(({ value }, at) => ((hours[at] ?? 0) - meanHour) * (value - meanValue))) / spread;
  const residuals = points.map(({ value }, at) => value - meanValue - perHour * ((hours[at] ?? 0) - meanHour));
  const variance = sum(residuals.map((residual) => residual ** 2)) / (points.length - 2);
  return { perHour, error: Math.sqrt(variance / spread) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
