// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities

/// Tells a client how far long work is, at most ten times a second.
final class Teller: Sendable {
  private let send: @Sendable (Data) -> Void

  /// Creates one that sends lines.
  init(_ send: @escaping @Sendable (Data) -> Void) { self.send = send }

  /// One to whom nobody listens.
  static let silent = Teller { _ in }

  /// How far work is.
  private struct Progress: Encodable {
    let progress: Body

    struct Body: Encodable {
      let done: Int
      let of: Int
      let what: String
    }
  }

  /// Tells that `done` of `total` are done.
  func progress(_ done: Int, of total: Int, _ what: String) {
    line(Progress(progress: .init(done: done, of: total, what: what)))
  }

  /// Sends a document as one line.
  func line(_ document: some Encodable) {
    guard let data = try? JSON.data(document, isPretty: false) else { return }
    send(data + Data("\n".utf8))
  }
}
