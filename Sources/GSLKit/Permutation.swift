// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// A permutation owned by the library; freed when it goes out of scope.
@safe
struct Permutation: ~Copyable {
  private let pointer: UnsafeMutablePointer<gsl_permutation>
  let count: Int

  /// Creates the identity of `count` elements, at least one.
  init(count: Int) {
    precondition(count > 0, "a permutation has at least one element")
    prepareLibrary()
    self.count = count
    unsafe pointer = allocated(gsl_permutation_calloc(count), "gsl_permutation_calloc")
  }

  deinit { unsafe gsl_permutation_free(pointer) }

  /// Where element `index` came from.
  subscript(index: Int) -> Int {
    precondition((0..<count).contains(index), "index \(index) of a permutation of \(count)")
    return unsafe pointer.pointee.data[index]
  }

  /// Lends the library's handle for the length of a call.
  func withPointer<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<gsl_permutation>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe try body(pointer)
  }
}
