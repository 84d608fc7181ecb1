// Code of the parent project that does not use Crossweave: its language level is the parent's, warnings are no errors.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
static_assert(__cplusplus == 201703L, "Crossweave changed the language level of its parent");

int main() {
  int never_used;
  return 0;
}
