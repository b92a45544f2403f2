# SPDX-License-Identifier: Apache-2.0
"""What the Python tests and the tools that start brokers have in common. README.md lists the modules."""
