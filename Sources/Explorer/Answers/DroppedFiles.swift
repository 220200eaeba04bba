// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Quantities
import Synchronization

/// A file that was sent with a request: its name, which is only shown, and its text.
struct SentFile: Hashable, Sendable {
  let name: String
  let text: String

  /// The keys of the object that holds it.
  static let keys = ["name", "text", "digest"]

  init(name: String, text: String) { (self.name, self.text) = (name, text) }

  /// Reads the object; a digest alone names a file that was sent before.
  init(_ fields: JSONFields, _ kept: KeptFiles) throws(Refused) {
    let digest = try fields.text("digest")
    guard let text = try fields.text("text") else {
      guard let digest else {
        throw Refused(.badRequest, "a file has neither 'text' nor 'digest'; write one of them")
      }
      guard let file = kept.file(digest) else {
        throw Refused(
          .conflict,
          "no file with the digest '\(digest.prefix(40))' is kept here any more; send its text"
        )
      }
      self = file
      return
    }
    let name = try fields.text("name") ?? "dropped file"
    // A name is shown, and never leads to a file.
    self.init(name: String(name.split(separator: "/").last ?? "dropped file"), text: text)
  }

  /// What names the file's content: it tells files apart and guards nothing.
  var digest: String { Digest.wide(of: text) }
}

/// The files that were dropped last, in memory alone, so that a move of a slider need not send them.
final class KeptFiles: Sendable {
  private let files = Mutex<[(digest: String, file: SentFile)]>([])

  /// Files and bytes that are kept at most.
  private static let (most, mostBytes) = (16, 32 << 20)

  /// Keeps a file; the oldest go where there are too many.
  func keep(_ file: SentFile) -> String {
    let digest = file.digest
    files.withLock { files in
      files.removeAll { $0.digest == digest }
      files.append((digest, file))
      while files.count > Self.most
        || files.reduce(0, { $0 + $1.file.text.utf8.count }) > Self.mostBytes
      {
        files.removeFirst()
      }
    }
    return digest
  }

  /// A file that was kept.
  func file(_ digest: String) -> SentFile? {
    files.withLock { files in files.first { $0.digest == digest }?.file }
  }
}
