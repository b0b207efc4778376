/** The stream as the reporter uses it; the last three are a terminal's. */
export type OutputStream = NodeJS.WritableStream & {
  readonly fd?: number;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};
