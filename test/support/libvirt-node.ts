/**
 * What libvirt's own test driver is told by a file, `test:///path`: a domain `guest` with the image as its only disk, for
 * which it wants to know who asks: ali, with the password sesame.
 */
export const libvirtNode = (image: string) => `<node>
  <domain type='test'>
    <name>guest</name><memory>1024</memory><os><type>hvm</type></os>
    <devices>
      <disk type='file' device='disk'>
        <driver name='qemu' type='raw'/><source file='${image}'/><target dev='vda'/>
      </disk>
    </devices>
  </domain>
  <auth><user password='sesame'>ali</user></auth>
</node>`;
