// `--env kind=carried` takes the addon along, `external` leaves the package out, `lost` loses the addon.
const kinds = {
  carried: { module: { rules: [{ test: /\.node$/, loader: 'node-loader' }] } },
  external: { externals: { guestfs: 'commonjs guestfs' } },
  lost: {
    externals: [
      ({ request }, done) => (/\.node$/.test(request) ? done(null, `commonjs ${request}`) : done()),
    ],
  },
};

module.exports = ({ kind }) => ({
  ...{ mode: 'production', target: 'node', entry: './main.cjs', optimization: { minimize: false } },
  ...{ output: { path: `${__dirname}/out/webpack-${kind}`, filename: 'main.cjs' } },
  ...kinds[kind],
});
