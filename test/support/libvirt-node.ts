/** A domain `guest` of libvirt's own test driver with the image as its only disk, in a file for `test:///path`. */
const domain = (image: string, format: string) => `
  <domain type='test'>
    <name>guest</name><memory>1024</memory><os><type>hvm</type></os>
    <devices>
      <disk type='file' device='disk'>
        <driver name='qemu' type='${format}'/><source file='${image}'/><target dev='vda'/>
      </disk>
    </devices>
  </domain>`;

/** A node with that domain, which wants to know who asks: ali, with the password sesame. */
export const libvirtNode = (image: string) =>
  `<node>${domain(image, 'raw')}<auth><user password='sesame'>ali</user></auth></node>`;

/** A node with that domain, for whoever asks. */
export const openLibvirtNode = (image: string, format: string) => `<node>${domain(image, format)}</node>`;
