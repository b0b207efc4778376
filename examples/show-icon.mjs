// Writes the icon of the operating system that is in an image.
//   node examples/show-icon.mjs disk.qcow2 icon.png
import { writeFile } from 'node:fs/promises';
import { inspect as quoted } from 'node:util';
import { inspect } from 'guestfs';

const [image, file = 'icon.png'] = process.argv.slice(2);

const { operatingSystems } = await inspect(image, { icon: true, applications: false });
const icon = operatingSystems[0]?.icon;
if (icon) {
  await writeFile(file, Buffer.from(icon, 'base64'));
  console.log(`${file}: icon of ${quoted(operatingSystems[0].productName)}`);
} else console.log('There is no icon in this image.');
