// The way of CommonJS without ES syntax.
import guestfs = require('guestfs');

import { is } from './equal.js';

is<guestfs.Guestfs>()(new guestfs.Guestfs(), true);
is<Promise<guestfs.InspectionReport>>()(guestfs.inspect('disk.qcow2'), true);
