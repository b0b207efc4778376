{
  "variables": {
    # 1 for the binary that the package carries (scripts/prebuild.mjs): one that loads on other distributions too.
    "guestfs_prebuilt%": 0
  },
  "targets": [
    {
      "target_name": "guestfs",
      # CMakeLists.txt builds the same sources: everything in these two folders.
      "sources": ["<!@(ls src-native/*.cc src-native/generated/*.cc)"],
      "include_dirs": ["src-native"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
        # Without it node-addon-api aborts the process when a worker is terminated in the middle of our code.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      # Other people's headers come in as system headers: warnings are errors only in our own code.
      "cflags": [
        "-fvisibility=hidden",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-isystem <!(node -p \"path.relative('build', path.dirname(require.resolve('node-addon-api')))\")",
        "<!@(pkg-config --cflags libguestfs | sed 's/-I */-isystem /g')"
      ],
      "cflags!": ["-Wno-unused-parameter"],
      "cflags_cc": ["-std=c++20", "-fexceptions"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "libraries": [
        # Every libguestfs function is referenced weakly, which alone would not keep the library under --as-needed.
        "-Wl,--no-as-needed",
        # A worker may end while a thread of ours still waits for the host: our code must stay where it is.
        "-Wl,-z,nodelete",
        "<!@(pkg-config --libs libguestfs)"
      ],
      "conditions": [
        ["guestfs_prebuilt==1", {
          "cflags": ["-ffile-prefix-map=<(module_root_dir)=."],
          # libgcc stays shared: every Node has it, while the static one may ask for a newer glibc than all the rest.
          # So would parts of the C++ library that nothing uses: they go.
          "ldflags": [
            "-static-libstdc++",
            "-Wl,--gc-sections",
            "-Wl,--version-script=<(module_root_dir)/src-native/exports.map"
          ]
        }]
      ],
      "configurations": {
        "Release": {
          "cflags!": ["-O3"],
          "cflags": ["-O2"],
          "ldflags": ["-Wl,--strip-all"]
        }
      }
    }
  ]
}
