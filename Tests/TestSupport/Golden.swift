// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// Texts that are compared with files under `Tests/Golden`.
///
/// With `RECORD_SNAPSHOTS=1` the files are rewritten and every comparison fails, so that a
/// recording run never passes.
public enum Golden {
  /// Compares a text with the golden file of this name, and shows the first line that differs.
  public static func check(_ text: String, _ name: String, testFile: String = #filePath) {
    let file = folder(testFile).appendingPathComponent(name)
    if environment("RECORD_SNAPSHOTS") == "1" {
      try? FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try? Data(text.utf8).write(to: file)
      Issue.record("recorded \(name)")
      return
    }
    guard let golden = try? String(contentsOf: file, encoding: .utf8) else {
      Issue.record("no golden file \(name); record it with RECORD_SNAPSHOTS=1")
      return
    }
    guard golden != text else { return }
    let old = golden.split(separator: "\n", omittingEmptySubsequences: false)
    let new = text.split(separator: "\n", omittingEmptySubsequences: false)
    let line =
      zip(old, new).enumerated().first { $1.0 != $1.1 }?.offset ?? min(old.count, new.count)
    let was = line < old.count ? String(old[line]) : "(end)"
    let now = line < new.count ? String(new[line]) : "(end)"
    Issue.record("\(name):\(line + 1) was '\(was)' and is '\(now)'")
  }

  /// `Tests/Golden`, found from the path of a test's source file.
  private static func folder(_ testFile: String) -> URL {
    var url = URL(fileURLWithPath: testFile)
    while url.path != "/", url.lastPathComponent != "Tests" {
      url = url.deletingLastPathComponent()
    }
    return url.appendingPathComponent("Golden")
  }
}
