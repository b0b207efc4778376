// The first module of an ES module's import: what a bundle may lack is told before anything else needs it.
import { checkRequire } from './bundles';

checkRequire();
