// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

@Suite("Memory")
struct LeakTests {
  /// The root of the package, two folders above this one's.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let hasValgrind = ["/usr/bin/valgrind", "/usr/local/bin/valgrind"].contains {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(
    "Every kind of fit, failures included, leaks nothing and reads nothing it should not",
    .enabled(if: hasValgrind, "valgrind is not installed")
  )
  func valgrind() throws {
    let process = Process()
    process.executableURL = Self.root.appending(path: "Benchmarks/gslkit-leaks.sh")
    let output = Pipe()
    process.standardError = output
    process.standardOutput = output
    try process.run()
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(),
      as: UTF8.self
    )
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
    #expect(text.contains("every kind of fit ran"))
  }
}
