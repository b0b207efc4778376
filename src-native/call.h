// One call of a libguestfs function, from its arguments to its result.
#pragma once

#include <memory>
#include <string>

#include "arguments.h"
#include "local_files.h"
#include "result.h"
#include "task.h"

namespace guestfs_node {

class Call final : public Task {
 public:
  Call(CallId id, const Function& function, std::unique_ptr<Arguments> arguments, bool keep_partial = false)
      : Task(id),
        function_(function),
        files_(function, arguments->slots()),
        keep_partial_(keep_partial),
        arguments_(std::move(arguments)) {}

  std::unique_ptr<Message> Run(guestfs_h* g) override;
  std::unique_ptr<Message> Prepare() override;
  bool Cancel(guestfs_h* g, SpareDescriptor& spare) override;
  void TellMount(LocalMount& mount) const override;
  bool ServesMount() const override { return function_.local_mount == MountRole::Serves; }
  bool StartsAppliance() const override { return function_.starts_appliance; }

  /** Makes the call without telling anybody. */
  Result Invoke(guestfs_h* g) const;

 private:
  Result PipeFailure() const;

  const Function& function_;
  LocalFiles files_;
  const bool keep_partial_;  // the output of a transfer that failed
  std::unique_ptr<Arguments> arguments_;
  int pipe_error_ = 0;
  std::string mount_folder_;  // the folder of a call that mounts
  bool succeeded_ = false;
};

/** The object of which the facade makes a GuestfsError. */
Napi::Object FailureToObject(Napi::Env env, const Failure& failure);

}  // namespace guestfs_node
