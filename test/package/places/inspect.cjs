const { inspect } = require('guestfs');

inspect({ path: process.argv[2], format: 'raw' }).catch(({ code, hint }) => console.log(`${code}: ${hint}`));
