// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// Turns off the library's default error handler, which ends the process, once.
private let handlerIsOff: Bool = {
  unsafe (gsl_set_error_handler_off() == nil || true)
}()

/// Makes sure that errors come back as codes; every entry point of the room calls this first.
func prepareLibrary() { precondition(handlerIsOff, "the error handler is off") }

/// Throws what a library function returned unless it is success.
func check(_ code: CInt, _ operation: String) throws(GSLError) {
  guard code != GSL_SUCCESS.asCode else { return }
  let text = unsafe String(cString: gsl_strerror(code))
  throw .library(code: Int(code), operation: operation, text: text)
}

/// The handle an allocator returned; nil means that memory ran out.
@unsafe
func allocated<Handle>(
  _ handle: UnsafeMutablePointer<Handle>?,
  _ operation: String
) -> UnsafeMutablePointer<Handle> {
  guard let handle = unsafe handle else {
    preconditionFailure("\(operation) ran out of memory")
  }
  return unsafe handle
}

extension BinaryInteger {
  /// The value as the type of the library's return codes.
  var asCode: CInt { CInt(self) }
}

/// The first value that is not finite becomes an error that names where it stands.
func requireFinite(_ values: [Double], _ quantity: String) throws(GSLError) {
  for (row, value) in values.enumerated() where !value.isFinite {
    throw .notFinite(quantity: quantity, row: row, value: value)
  }
}

/// A size that does not fit becomes an error.
func requireCount(_ values: [Double], _ expected: Int, _ quantity: String) throws(GSLError) {
  guard values.count == expected else {
    throw .shape(quantity: quantity, found: values.count, expected: expected)
  }
}
