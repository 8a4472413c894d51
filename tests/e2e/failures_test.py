"""A few rows of the failure table (failure_table.py, docs/failures.md), with generous limits: sites of ours only."""

import concurrent.futures
import unittest

from failure_table import Network
from harness import EndToEnd, SANITIZED

# position: {fault: seconds until new streams go another way}
EXPECTED = {
    "edge": {"kill": 3, "cut": 3},
    "interior": {"freeze": 12, "cut": 3},
    "transit": {"kill": 6, "partition": 12},
}
BACK = 40  # seconds until what only the site that suffered provides works again


@unittest.skipIf(SANITIZED, "times are those of a release build")
class FailureTable(EndToEnd):
    alone = True

    def suffer(self, position):
        network = Network(self, position, real=False)
        return {fault: network.measure(fault) for fault in EXPECTED[position]}

    def test_new_streams_go_another_way_and_come_back(self):
        with concurrent.futures.ThreadPoolExecutor(len(EXPECTED)) as pool:
            measured = dict(zip(EXPECTED, pool.map(self.suffer, EXPECTED)))
        for position, limits in EXPECTED.items():
            for fault, limit in limits.items():
                result = measured[position][fault]
                with self.subTest(position=position, fault=fault, result=result):
                    self.assertIsNotNone(result["works"])
                    self.assertLess(result["works"], limit)
                    self.assertIsNotNone(result["back"])
                    self.assertLess(result["back"], BACK)
                    self.assertEqual(result["bystanders ended"], 0, "streams that have nothing to do with it")


if __name__ == "__main__":
    unittest.main()
