/** Permissions as four octal digits. */
export const modeText = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');
