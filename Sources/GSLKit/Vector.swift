// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// A vector owned by the library; freed when it goes out of scope.
///
/// Reads and writes outside of its bounds trap here: the library would return zero silently.
@safe
package struct Vector: ~Copyable {
  private let pointer: UnsafeMutablePointer<gsl_vector>

  /// The number of elements, at least one.
  package let count: Int

  /// Creates a vector of zeros; `count` is at least one.
  package init(count: Int) {
    precondition(count > 0, "a vector has at least one element")
    prepareLibrary()
    self.count = count
    unsafe pointer = allocated(gsl_vector_calloc(count), "gsl_vector_calloc")
  }

  /// Creates a vector with these elements, at least one.
  package init(_ elements: [Double]) {
    self.init(count: elements.count)
    for index in elements.indices { self[index] = elements[index] }
  }

  deinit { unsafe gsl_vector_free(pointer) }

  /// The element at an index in 0..<count.
  package subscript(index: Int) -> Double {
    get {
      precondition((0..<count).contains(index), "index \(index) of a vector of \(count)")
      return unsafe pointer.pointee.data[index]
    }
    set {
      precondition((0..<count).contains(index), "index \(index) of a vector of \(count)")
      unsafe pointer.pointee.data[index] = newValue
    }
  }

  /// A copy of the elements in order.
  package var elements: [Double] {
    let (start, count) = unsafe (pointer.pointee.data, count)
    return unsafe Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// Lends the library's handle for the length of a call.
  func withPointer<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<gsl_vector>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe try body(pointer)
  }
}
