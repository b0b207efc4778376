/** An image that could not be inspected, in the place of its report. */
export interface UninspectedImage {
  /** Path or URI of the image. */
  readonly path: string;
  /** Reason why it could not be inspected. */
  readonly error: {
    /** Code of the error. */
    readonly code?: string | undefined;
    /** Message of the error. */
    readonly message: string;
  };
}
