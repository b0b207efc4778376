#include "unrepresentable.h"

namespace guestfs_node {

Napi::Object Unrepresentable::ToObject(Napi::Env env) const {
  Napi::Object object = Napi::Object::New(env);
  object["reason"] = reason;
  object["type"] = type;
  object["length"] = static_cast<double>(length);
  if (!cause.IsEmpty()) object["cause"] = cause;
  return object;
}

}  // namespace guestfs_node
