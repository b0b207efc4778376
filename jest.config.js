// Tests see the same in a job as at a desk; those of what a CI system changes set its variables themselves.
const ofCi = /^(CI|GITHUB_.*|GITLAB_CI|TF_BUILD|BUILDKITE|TEAMCITY_VERSION|JENKINS_URL)$/;
for (const name of Object.keys(process.env).filter((name) => ofCi.test(name))) delete process.env[name];

// Nor do they depend on what took how long before.
process.env.GUESTFS_ESTIMATES = '0';

const project = (name, tests = `test/${name}/**/*.test.ts`) => ({
  displayName: name,
  testMatch: [`<rootDir>/${tests}`],
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
    project('releases'),
    project('examples'),
    project('fleet', 'packages/fleet/test/*.test.ts'),
    project('fleet-long', 'packages/fleet/test/long/*.test.ts'),
  ],
};
