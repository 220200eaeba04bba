// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Profiles
import Testing

@testable import Calibration

@Suite struct FactFileTests {
  static let sound = """
    summary: two statements
    facts:
      A-1:
        says: a chunk of 2 MiB costs nothing
        source: 'published: a mail'
        use: score
        gated: yes
        run:
          host: graviton3
          kernel: '6.1'
          workload: container-churn
          policy: chunk=2MiB
          set:
            vm.memory: 64GiB
        metric: goodput_retained_share
        claim: '>= 0.97'
      A-2:
        says: it costs time while IO runs
        source: 'published: a mail'
        use: fit
        fits: nic.packet nic.poll
        run:
          host: graviton3
          kernel: '6.1'
          workload: container-churn
          policy: chunk=2MiB
          set:
            vm.memory: 64GiB
        versus:
          policy: chunk=1GiB
          set:
            net.flows: 2
        metric: teardown_time_ns
        claim: 1.58x +-10%
    unexpressed:
      Z-1 to Z-16: times of a kernel module, not of an operation
    """

  func read(_ text: String) throws -> FactFile { try FactFile(parsing: text, file: "f.yaml") }

  @Test func readsFactsAndWhatTheyInherit() throws {
    let file = try read(Self.sound)
    #expect(file.facts.map(\.id) == ["A-1", "A-2"])
    #expect(file.facts[0].claim == .atLeast(0.97))
    #expect(file.facts[0].isGated)
    let second = file.facts[1]
    #expect(second.fits == ["nic.packet", "nic.poll"])
    #expect(second.claim == .ratio(value: 1.58, tolerance: 0.1))
    #expect(second.versus?.host == "graviton3")
    #expect(second.versus?.policy == "chunk=1GiB")
    #expect(second.versus?.settings.map(\.key) == ["vm.memory", "net.flows"])
    #expect(file.unexpressed.first?.rows == "Z-1 to Z-16")
  }

  @Test func aClaimOfAShareMayBeInPerCent() throws {
    let text = Self.sound.replacing("claim: '>= 0.97'", with: "claim: '>= 97%'")
    #expect(try read(text).facts[0].claim == .atLeast(0.97))
  }

  @Test(arguments: [
    ("claim: '>= 0.97'", "claim: 1.2x +-5%"), ("claim: '>= 0.97'", "claim: fast"),
    ("claim: '>= 0.97'", "claim: '>= -1'"), ("claim: 1.58x +-10%", "claim: 39.5s +-5%"),
    ("metric: goodput_retained_share", "metric: joy"), ("use: score", "use: both"),
    ("gated: yes", "gated: perhaps"), ("fits: nic.packet nic.poll", ""),
    ("kernel: '6.1'", "kernels: '6.1'"), ("summary: two statements", "summary:"),
    ("says: a chunk of 2 MiB costs nothing", ""),
  ])
  func refusesWhatIsNotAFact(sound: String, broken: String) throws {
    let place = try #require(Self.sound.firstRange(of: sound))
    let text = Self.sound.replacingCharacters(in: place, with: broken)
    let error = #expect(throws: ProfileError.self) { try read(text) }
    #expect(error?.description.hasPrefix("f.yaml:") == true)
  }

  @Test(
    arguments: [
      (.point(value: 10, tolerance: 0.1), 10.9, nil, true),
      (.point(value: 10, tolerance: 0.1), 11.1, nil, false),
      (.within(value: 0.2, distance: 0.1), 0.11, nil, true),
      (.within(value: 0.2, distance: 0.1), 0.31, nil, false),
      (.atLeast(0.97), 0.97, nil, true), (.atLeast(0.97), 0.96, nil, false),
      (.atMost(0.05), 0, nil, true), (.atMost(0.05), 0.06, nil, false),
      (.ratio(value: 1.5, tolerance: 0.1), 3.2, 2, true),
      (.ratio(value: 1.5, tolerance: 0.1), 3.4, 2, false),
      (.ratio(value: 1.5, tolerance: 0.1), 3, 0, false),
      (.below, 1, 2, true), (.below, 2, 2, false), (.below, 1, nil, false),
    ] as [(Fact.Claim, Double, Double?, Bool)]
  )
  func judgesPredictions(claim: Fact.Claim, predicted: Double, versus: Double?, holds: Bool) {
    #expect(FactVerdict(claim: claim, predicted: predicted, versus: versus).holds == holds)
  }
}
