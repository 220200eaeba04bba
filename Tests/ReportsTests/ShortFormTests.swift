// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Foundation
import Profiles
import Reports
import TestSupport
import Testing
import Tuning

/// What is read first of every answer that ships.
@Suite struct ShortFormTests {
  private struct Stored: Decodable {
    let answer: Recommendation
  }

  private let store = ProfileStore.standard(named: nil)

  private func short(_ host: String, _ workload: String) throws -> String {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let file = folder.appending(path: "models/answers/\(host)/6.1/\(workload).json")
    let stored = try AnswerStore.decoder.decode(Stored.self, from: Data(contentsOf: file))
    let context = AnswerContext(
      workload: try store.load(WorkloadProfile.self, named: workload),
      host: try store.load(HostProfile.self, named: host),
      kernel: try store.load(KernelProfile.self, named: "6.1"),
      validation: StoredValidation(in: store)
    )
    return stored.answer.text(context)
  }

  /// A screen of 100 columns and 20 lines holds each of them.
  @Test func everyShippedAnswerFitsAScreen() throws {
    for host in store.names(of: .host) {
      for workload in store.names(of: .workload) {
        let lines = try short(host, workload).components(separatedBy: "\n").dropLast()
        #expect(lines.count <= 20, "\(host) \(workload): \(lines.count) lines")
        #expect(lines.allSatisfy { $0.count <= 100 }, "\(host) \(workload)")
      }
    }
  }

  @Test func theAnswersOfOneHostAreGolden() throws {
    let texts = try store.names(of: .workload).map { try short("graviton3", $0) }
    Golden.check(texts.joined(separator: "\n"), "answers/graviton3.txt")
  }
}
