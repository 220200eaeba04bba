// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Profiles
import Quantities
import Testing

@Suite struct ServiceLevelTests {
  @Test(arguments: [
    ("io.goodput>=0.95", ServiceLevel(.ioGoodput, .share(0.95))),
    ("wp.p99<=2ms", ServiceLevel(.protectP99, .time(.milliseconds(2)))),
    ("teardown.time<=1.2x", ServiceLevel(.teardownTime, .relative(1.2))),
    ("connects.failed<=0", ServiceLevel(.connectsFailed, .count(0))),
  ])
  func readsAndPrints(text: String, level: ServiceLevel) throws {
    #expect(try ServiceLevel(parsing: text) == level)
    #expect(level.description == text)
  }

  @Test(arguments: [
    ("io.goodput<=0.95", "io.goodput>=0.95"),
    ("io.goodput>=95", "a share from 0 to 1"),
    ("wp.p99<=2", "a time"),
    ("wp.p99<=-1x", "1.2x"),
    ("connects.failed<=0.5", "a number"),
    ("goodput>=0.95", "one of io.goodput, request.p99"),
    ("io.goodput", "METRIC>=VALUE"),
  ])
  func refusesWithWhatIsLegal(text: String, part: String) {
    let error = #expect(throws: QuantityError.self) { try ServiceLevel(parsing: text) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test func limitsAreInTheResponsesUnit() throws {
    #expect(try ServiceLevel(parsing: "wp.p99<=2ms").limit(baseline: nil) == 2e6)
    #expect(try ServiceLevel(parsing: "io.goodput>=0.95").limit(baseline: nil) == 0.95)
    #expect(try ServiceLevel(parsing: "teardown.time<=1.2x").limit(baseline: 10) == 12)
    #expect(try ServiceLevel(parsing: "teardown.time<=1.2x").limit(baseline: nil) == nil)
  }

  @Test(arguments: ["none", "fwb,tlbirange,vhe", "vhe,repeat-tlbi-sync"])
  func featureListsAreReadBack(text: String) throws {
    #expect(try CPUFeatures(listing: text).list == text)
  }

  @Test(arguments: ["", "fwb,", "FWB", "fwb tlbirange"])
  func unknownFeaturesAreRefused(text: String) {
    #expect(throws: QuantityError.self) { try CPUFeatures(listing: text) }
  }

  @Test(arguments: ["6.12", "6.12.107", "7.3.4", "5.10"])
  func releasesAreReadBack(text: String) throws {
    #expect(try KernelRelease(written: text).description == text)
  }

  @Test(arguments: ["6", "6.", "v6.1", "6.1.2.3", "6.-1", "6.99999999999999999999"])
  func wrongReleasesAreRefused(text: String) {
    #expect(throws: QuantityError.self) { try KernelRelease(written: text) }
  }
}
