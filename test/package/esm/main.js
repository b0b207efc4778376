import * as guestfs from 'guestfs';
import exercise from './exercise.cjs';

await exercise(guestfs);
