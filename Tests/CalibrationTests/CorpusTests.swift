// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import TestSupport
import Testing

/// What a fuzzer found, one input for each way to end: every reader's results and refusals.
///
/// `Fuzz/run records` wrote them (`--corpus`); each reader must still come to the same end.
@Suite struct CorpusTests {
  private static let folder = packageRoot.appending(path: "Fuzz/corpus/records")

  @Test("every input of the corpus ends as it is written there")
  func corpus() throws {
    let list = try String(contentsOf: Self.folder.appending(path: "ways.txt"), encoding: .utf8)
    let ways = list.split(separator: "\n")
    #expect(ways.count > 100)
    for way in ways {
      let name = String(way.prefix { $0 != " " })
      let arrow = try #require(way.range(of: " -> "))
      let end = String(way[arrow.upperBound...])
      let data = try Data(contentsOf: Self.folder.appending(path: name))
      let text = String(decoding: data, as: UTF8.self)
      do throws(LogError) {
        let found = try RecordingFile.read(text, named: "record")
        _ = RecordingFile.gather([found, found])
        #expect(found.kind.rawValue == end, "\(name)")
      } catch { #expect(error.legal == end, "\(name)") }
    }
  }
}
