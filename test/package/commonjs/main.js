const exercise = require('./exercise.cjs');

exercise(require('guestfs'));
