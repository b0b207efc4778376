/** Calls a callback of the program's. What it throws is the program's own error: it surfaces, and stops nothing here. */
export function guarded(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
