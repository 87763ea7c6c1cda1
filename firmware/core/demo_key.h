/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public half of guest-images/keys/demo.pem, whose private half is in
 * that file for everybody to read: it authenticates nothing. A board that is
 * given no key trusts it, so that demonstrations run. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_DEMO_KEY_H
#define COREVISOR_CORE_DEMO_KEY_H

#define HYPSEC_DEMO_PUBLIC_KEY {					\
	0x17, 0x62, 0x15, 0xb5, 0x84, 0xbf, 0xce, 0x38,			\
	0x9d, 0x1d, 0x04, 0x05, 0x36, 0xce, 0x25, 0x82,			\
	0x37, 0x13, 0x0f, 0x6c, 0x26, 0x97, 0x96, 0xfe,			\
	0x5b, 0x8c, 0x1f, 0xae, 0x41, 0x70, 0x02, 0x69,			\
}

#endif /* COREVISOR_CORE_DEMO_KEY_H */
