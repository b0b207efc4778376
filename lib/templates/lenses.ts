/** The lenses of augeas that libguestfs's inspection needs, with the modules that these use. */
export const inspectionLenses: readonly string[] = [
  ...['util', 'build', 'rx', 'sep', 'quote'],
  ...['fstab', 'mdadm_conf', 'shellvars', 'shellvars_list', 'hosts', 'hostname', 'simplelines'],
];
