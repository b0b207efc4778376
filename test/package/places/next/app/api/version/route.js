import { versions } from 'guestfs';

export const dynamic = 'force-dynamic';

export function GET() {
  return new Response(`libguestfs ${versions.libguestfs}`);
}
