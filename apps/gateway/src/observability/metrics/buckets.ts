/** Upper bounds in seconds: from a database's answer to a caller's longest patience. */
export const callSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120];

/** A job waits and is drawn for as long as its deadline lets it: up to an hour by default. */
export const jobSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600, 1800, 3600];

/** A stage of a picture: some take milliseconds, denoising up to minutes. */
export const stageSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120];
