# coding: utf-8
from and_gate import AND
from nand_gate import NAND
from or_gate import OR
from xor_gate import XOR


if __name__ == '__main__':
    for gate in (AND, NAND, OR, XOR):
        print(gate.__name__, [gate(a, b) for a in (0, 1) for b in (0, 1)])
