const project = (name) => ({
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } }],
  },
});

module.exports = {
  projects: [
    project('unit'),
    project('appliance'),
    project('faults'),
    project('templates'),
    project('guests'),
    project('examples'),
  ],
};
