// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import PageTables
import Quantities
import Randomness
import TestSupport
import Testing

@testable import Profiles

/// Every key of every kind: what its sentence promises is what it takes.
@Suite struct ProfileKeyTests {
  @Test func namesAreUniqueAndEveryKeyIsDescribed() {
    let names =
      HostProfile.keys.map(\.name) + KernelProfile.keys.map(\.name)
      + WorkloadProfile.keys.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(name.allSatisfy { $0.isLowercase || $0.isNumber || "._".contains($0) }, "\(name)")
    }
    let texts =
      HostProfile.keys.flatMap { [$0.summary, $0.legal] }
      + KernelProfile.keys.flatMap { [$0.summary, $0.legal] }
      + WorkloadProfile.keys.flatMap { [$0.summary, $0.legal] }
    #expect(texts.allSatisfy { !$0.isEmpty && !$0.hasSuffix(".") && !$0.contains("\n") })
  }

  @Test func whatIsPromisedIsTaken() {
    func check<Content: Profile>(_ type: Content.Type) {
      for key in type.keys {
        let promised = KeyPromise(key.legal).legal
        #expect(!promised.isEmpty, "\(key.name): \(key.legal)")
        for text in promised {
          var content = Content(blank: "x")
          #expect(key.write(&content, text), "\(key.name) refuses '\(text)': \(key.legal)")
        }
      }
    }
    check(HostProfile.self)
    check(KernelProfile.self)
    check(WorkloadProfile.self)
  }

  @Test func whatIsNotPromisedIsRefusedAndChangesNothing() {
    func check<Content: Profile & Equatable>(_ type: Content.Type) {
      for key in type.keys {
        for text in KeyPromise(key.legal).illegal {
          var content = Content(blank: "x")
          #expect(!key.write(&content, text), "\(key.name) takes '\(text)': \(key.legal)")
          #expect(content == Content(blank: "x"), "\(key.name) '\(text)'")
        }
      }
    }
    check(HostProfile.self)
    check(KernelProfile.self)
    check(WorkloadProfile.self)
  }

  /// A key that writes into another's field would be found here: only its own text changes.
  @Test(arguments: Property.seeds(5))
  func aKeyChangesItsOwnTextAndNoOther(seed: UInt64) {
    var chance = Seed(seed).stream("own text")
    func check<Content: Profile>(_ type: Content.Type) {
      for key in type.keys {
        let before = Content(blank: "x")
        var after = before
        let text = KeyPromise(key.legal).draw(&chance)
        #expect(key.write(&after, text), "\(key.name) '\(text)'")
        let changed = type.keys.filter { $0.text(in: before) != $0.text(in: after) }
        #expect(changed.map(\.name).allSatisfy { $0 == key.name }, "S2TUNE_SEED=\(seed)")
        #expect(key.text(in: after) != nil || text == "none", "\(key.name)")
      }
    }
    check(HostProfile.self)
    check(KernelProfile.self)
    check(WorkloadProfile.self)
  }

  /// Printing and reading again gives the same profile, key by key.
  @Test(arguments: Property.seeds(20))
  func whatIsPrintedIsReadBack(seed: UInt64) {
    var chance = Seed(seed).stream("printed")
    func check<Content: Profile & Equatable>(_ type: Content.Type) {
      for key in type.keys {
        var (first, second) = (Content(blank: "x"), Content(blank: "x"))
        let text = KeyPromise(key.legal).draw(&chance)
        #expect(key.write(&first, text))
        let printed = key.text(in: first) ?? "none"
        #expect(key.write(&second, printed), "\(key.name) '\(printed)'")
        #expect(first == second, "\(key.name) '\(text)' '\(printed)' S2TUNE_SEED=\(seed)")
      }
    }
    check(HostProfile.self)
    check(KernelProfile.self)
    check(WorkloadProfile.self)
  }

  @Test(arguments: ["nic.rate 9.12345Gbit/s", "nic.rate 12345678bit/s"])
  func aRateOfMoreThanFourDigitsIsReadBack(text: String) throws {
    let words = text.split(separator: " ").map(String.init)
    let key = try #require(HostProfile.keys.first { $0.name == words[0] })
    var (first, second) = (HostProfile(blank: "x"), HostProfile(blank: "x"))
    #expect(key.write(&first, words[1]))
    #expect(key.write(&second, try #require(key.text(in: first))))
    #expect(first == second)
  }

  /// A refusal in a file names the file, the line, the key, the value and what is legal.
  @Test(arguments: ProfileKind.allCases)
  func aRefusalNamesEverything(kind: ProfileKind) throws {
    let folder = try ModelsFolder()
    func check<Content: Profile>(_ type: Content.Type) throws {
      for (index, key) in type.keys.enumerated() {
        var file = ProfileText(kind: type.kind, parent: index % 2 == 0 ? nil : "other")
        file.values = [WrittenValue(key: key.name, value: "?\(index)")]
        try folder.write(ProfileText(kind: type.kind), as: "other")
        try folder.write(file, as: "mine")
        let origin = Origin(file: folder.path(type.kind, "mine"), line: file.line(of: 0))
        let error = folder.error(type, "mine")
        #expect(
          error
            == .illegalValue(origin: origin, key: key.name, value: "?\(index)", legal: key.legal)
        )
        for part in [origin.description, "'?\(index)'", key.name, key.legal] {
          #expect(error?.description.contains(part) == true, "\(key.name): \(part)")
        }
      }
    }
    switch kind {
    case .host: try check(HostProfile.self)
    case .kernel: try check(KernelProfile.self)
    case .workload: try check(WorkloadProfile.self)
    }
  }

  @Test func theAlternativeThatALevelsSentenceNamesIsTaken() throws {
    let key = try #require(WorkloadProfile.keys.first { $0.name == "slo.io.goodput" })
    var workload = WorkloadProfile(blank: "x")
    #expect(key.legal.contains("or >=1.2x"))
    #expect(key.write(&workload, ">=1.2x"))
  }
}

/// Names near a wrong one.
@Suite struct SuggestionTests {
  /// Edit distance by its definition.
  private static func distance(_ left: Substring, _ right: Substring) -> Int {
    guard let first = left.first else { return right.count }
    guard let other = right.first else { return left.count }
    let rest = distance(left.dropFirst(), right.dropFirst())
    if first == other { return rest }
    let skipped = min(distance(left.dropFirst(), right), distance(left, right.dropFirst()))
    return 1 + min(rest, skipped)
  }

  private static func word(_ chance: inout Randomness.Stream) -> String {
    let letters: [Character] = ["a", "b", "."]
    let count = Int(chance.uniform(below: 6))
    return String((0..<count).map { _ in letters[Int(chance.uniform(below: 3))] })
  }

  @Test(arguments: Property.seeds(20))
  func nearestAreThoseOfTheLeastEditDistance(seed: UInt64) {
    var chance = Seed(seed).stream("words")
    let names = (0..<8).map { _ in Self.word(&chance) }
    let asked = Self.word(&chance)
    let sorted = names.enumerated().sorted { left, right in
      let near = Self.distance(asked[...], left.element[...])
      let far = Self.distance(asked[...], right.element[...])
      return (near, left.offset) < (far, right.offset)
    }
    #expect(nearest(asked, among: names) == sorted.prefix(3).map(\.element), "S2TUNE_SEED=\(seed)")
  }

  /// A key with a letter missing, wrong or doubled is refused, and the right one is suggested.
  @Test func aMistypedKeyIsFoundAgain() throws {
    let host = try shipped.load(HostProfile.self, named: "graviton3")
    for name in HostProfile.keys.map(\.name) {
      for place in name.indices.dropFirst() {
        var (short, wrong, long) = (name, name, name)
        short.remove(at: place)
        wrong.replaceSubrange(place...place, with: "~")
        long.insert(name[place], at: place)
        for typed in [short, wrong, long] {
          var changed = host
          let error = #expect(throws: ProfileError.self) { try changed.set(typed, to: "1") }
          guard case .unknownKey(let origin, typed, .host, let near) = error else { continue }
          #expect(near.contains(name) && near.count == 3, "\(typed): \(near)")
          #expect(origin.description == "--set")
        }
      }
    }
  }
}
