// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Foundation
import Quantities

/// The options of commands whose answer may go to a file.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.customShort("o"), .long],
    help: "Writes the answer to a file instead of standard output.",
    completion: .file()
  )
  var output: String?

  @Flag(help: "Replaces the output file where it exists.")
  var force = false

  /// Refuses a file that exists before any work is done for it.
  func check() throws {
    guard let output, !force else { return }
    if FileManager.default.fileExists(atPath: output) { throw FileError.exists(path: output) }
  }

  /// Writes the answer where it was asked for, whole or not at all.
  func write(_ text: String) throws {
    guard let output else { return try answer(text) }
    try UserFile.write(displayed(text), to: output, force: force)
  }
}
