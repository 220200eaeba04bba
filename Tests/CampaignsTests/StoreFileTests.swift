// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Foundation
import Quantities
import Randomness
import Testing

/// Files that are no stores, or damaged ones, and lines of JSON.
@Suite("Files of stores")
struct StoreFileTests {
  @Test(
    "A file that is no store is refused and stays as it was",
    arguments: [
      "{\"a\":1}\n", "x", "SQLite format 3\0", String(repeating: "SQLite format 3\0", count: 300),
    ]
  )
  func noStore(text: String) async throws {
    try await Toy.withFile { file in
      try Data(text.utf8).write(to: file)
      for access in [RunDatabase.Access.create, .write, .read] {
        let failure = #expect(throws: CampaignError.self) {
          try RunDatabase(file.path, access: access)
        }
        #expect(
          failure?.description
            == "\(file.path): this is no store of runs; name another, it stays as it is"
        )
      }
      #expect(try Data(contentsOf: file) == Data(text.utf8))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: file.deletingLastPathComponent().path)
          .count == 1
      )
    }
  }

  @Test(
    "A store of a later form is refused and stays as it was; none, an empty one and a directory have their sentence"
  )
  func later() async throws {
    try await Toy.withFile { file in
      #expect(throws: CampaignError.self) { try RunDatabase(file.path, access: .read) }
      #expect(throws: CampaignError.self) { try RunDatabase(file.deletingLastPathComponent().path) }
      try ToyCampaign(file.path, count: 3).make()
      var bytes = try Data(contentsOf: file)
      bytes.replaceSubrange(60..<64, with: [0, 0, 0, 9])
      try bytes.write(to: file)
      let failure = #expect(throws: CampaignError.self) { try RunDatabase(file.path) }
      #expect(
        failure?.description.hasSuffix("the store has form 9; this s2tune knows forms to 1") == true
      )
      #expect(try Data(contentsOf: file) == bytes)
      try Data().write(to: file)
      #expect(throws: CampaignError.self) { try RunDatabase(file.path, access: .read) }
    }
  }

  @Test("A store with a damaged page ends in a sentence, whichever page it is")
  func damaged() async throws {
    try await Toy.withFile { file in
      try ToyCampaign(file.path, count: 40).make()
      let whole = try Data(contentsOf: file)
      let page = 4096
      var refused = 0
      for start in stride(from: page, to: whole.count, by: page) {
        var bytes = whole
        bytes.replaceSubrange(start..<start + page, with: repeatElement(0xA5, count: page))
        try bytes.write(to: file)
        do throws(CampaignError) {
          let store = try RunDatabase(file.path, access: .read)
          let design = try store.design(named: "toy")
          _ = try store.status(digests: true)
          try store.forEachRun(of: design) { _ in }
        } catch {
          refused += 1
          #expect(error.description.hasPrefix(file.path) || "\(error)".contains("run "), "\(error)")
        }
        #expect(try Data(contentsOf: file) == bytes, "page at \(start)")
      }
      #expect(refused > whole.count / page / 2)
    }
  }

  @Test("Lines of JSON come back as the same runs; cut anywhere they are the first of them")
  func lines() async throws {
    try await Toy.withFile { file in
      let store = try RunDatabase(file.path)
      let plan = Toy.plan("toy")
      let points = try plan.points(over: Toy.profiles)
      let design = try store.enter(plan, over: Toy.profiles, points: points)
      let campaign = ToyCampaign(store: store, design: design, points: points)
      try campaign.make()
      var text = ""
      try store.writeLines(of: design, points: points) { text += $0 }
      let folder = file.deletingLastPathComponent()
      let path = folder.appending(path: "runs.jsonl").path
      let bytes = Data(text.utf8)
      for cut in stride(from: bytes.count, to: 900, by: -997) {
        try bytes.prefix(cut).write(to: URL(filePath: path))
        guard let read = try? RunLines(path) else {
          #expect(cut < text.split(separator: "\n")[0].utf8.count + 1)
          continue
        }
        #expect(read.identity.plan == plan)
        #expect(read.runs == points.prefix(read.runs.count).map { Toy.record($0) })
        #expect(read.runs.count < 12 || cut == bytes.count)
        let target = try RunDatabase()
        let entered = try target.enter(plan, over: Toy.profiles, points: points)
        #expect(try target.take(read, from: path, into: entered, points: points) == read.runs.count)
        #expect(try target.take(read, from: path, into: entered, points: points) == 0)
        try ToyCampaign(store: target, design: entered, points: points).make()
        var again = ""
        try target.writeLines(of: entered, points: points) { again += $0 }
        #expect(again == text, "cut at \(cut)")
      }
    }
  }

  @Test(
    "A line that was changed by hand is named; a file of other runs or of another simulator is refused"
  )
  func changedLines() async throws {
    try await Toy.withFile { file in
      let campaign = try ToyCampaign(file.path, count: 5)
      try campaign.make()
      var text = ""
      try campaign.store.writeLines(of: campaign.design, points: campaign.points) { text += $0 }
      let path = file.deletingLastPathComponent().appending(path: "runs.jsonl")
      let changed = text.replacing("\"index\":1,", with: "\"index\":9,")
      #expect(changed != text)
      try changed.write(to: path, atomically: true, encoding: .utf8)
      #expect(throws: CampaignError.corrupt(file: path.path, line: 3)) { try RunLines(path.path) }
      try text.write(to: path, atomically: true, encoding: .utf8)
      let lines = try RunLines(path.path)
      let other = try ToyCampaign(file.path, name: "other", count: 4)
      #expect(throws: CampaignError.self) {
        try other.store.take(lines, from: path.path, into: other.design, points: other.points)
      }
      #expect(
        throws: CampaignError.foreign(file: "f", quantity: "simulator", found: "10", expected: "11")
      ) {
        try CampaignIdentity(name: "toy", seed: 5, points: campaign.points, simulator: "11")
          .require(lines.identity, file: "f")
      }
      for bad in ["", "{}\n", "0123456789abcdef {}\n", text.replacing("\n", with: " ")] {
        try bad.write(to: path, atomically: true, encoding: .utf8)
        #expect(throws: CampaignError.self) { try RunLines(path.path) }
      }
    }
  }
}

extension ToyCampaign {
  init(store: RunDatabase, design: StoredDesign, points: [DesignPoint]) {
    (self.store, self.design, self.points) = (store, design, points)
  }
}
