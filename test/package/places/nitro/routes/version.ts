import { versions } from 'guestfs';

export default defineEventHandler(() => `libguestfs ${versions.libguestfs}`);
