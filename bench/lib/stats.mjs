// What is told of many measurements of one thing.

export function median(values) {
  return quantile(values, 0.5);
}

// By the nearest rank.
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

// The median and the quartiles around it.
export function summary(values) {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

// Each round's ratio: what disturbs the machine for a while disturbs both.
export function ratios(values, others) {
  return summary(values.map((value, round) => value / others[round]));
}

// The same of differences.
export function differences(values, others) {
  return summary(values.map((value, round) => value - others[round]));
}
