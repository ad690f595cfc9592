"""The passwords of eight characters and more that are tried first, as published lists have them."""

from typing import Final

COMMON_PASSWORDS: Final = frozenset(
    """
******** ........ 00000000 0000000000 01234567 012345678 0123456789 0987654321 10101010 11111111
111111111 1111111111 11223344 1122334455 112233445566 11235813 12121212 123123123 123321123
12341234 12344321 12345678 123456789 1234567890 1234567891 12345678910 123456789a 123456aa
123456ab 1234abcd 1234qwer 123qwe123 123qweasd 13131313 14141414 147258369 159357456 159753159
19841984 1a2b3c4d 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20202020
22222222 27182818 31415926 55555555 66666666 69696969 741852963 77777777 789456123 87654321
88888888 963852741 987654321 9876543210 99999999 a1234567 a12345678 a123456789 a1b2c3d4 aa123456
aaaaaaaa abc12345 abcd1234 abcdefgh abcdefghi admin123 admin1234 admin12345 admin@123 adminadmin
administrator arsenal1 asdasdasd asdf1234 asdfasdf asdfghjk asdfghjkl asdqwe123 august123
barcelona baseball baseball1 batman123 blahblah blink182 butterfly changeme changeme1
changeme123 charlie1 chelsea1 chocolate chocolate1 cocacola computer computer1 corvette danielle
default1 dolphins dragon123 elephant ferrari1 football football1 freedom1 guest123 hahahaha
harley123 hello123 hello1234 helloworld hunter123 ilovegod iloveme1 iloveyou iloveyou! iloveyou1
iloveyou2 internet internet1 jennifer jessica1 jordan23 killer123 letmein1 letmein123 liverpool
liverpool1 login123 lovelove loveyou1 marlboro master123 maverick mercedes metallica michael1
michelle midnight midnight1 monkey123 mustang1 mypassword newpassword nirvana1 p@ssw0rd p@ssword
pa$$word pa55word panther1 pass1234 pass12345 passpass passpass1 passport passw0rd password
password! password. password0 password01 password1 password12 password123 password1234 password2
pokemon1 pokemon123 precious princess princess1 q1234567 q1w2e3r4 q1w2e3r4t5 qazwsxedc qqqqqqqq
qwe123qwe qweasd123 qweasdzxc qwer1234 qwerty12 qwerty123 qwerty1234 qwerty12345 qwertyui
qwertyuiop qwertyuiop123 rockstar rockstar1 root1234 rootroot samantha scorpion secret12
secret123 shadow123 slipknot spiderman spring2024 startrek starwars starwars1 summer123
summer2023 summer2024 sunshine sunshine1 superman superman1 sweetheart temp1234 temppass
test1234 test12345 testing1 testing123 testtest tinkerbell trustno1 user1234 welcome1 welcome12
welcome123 whatever whatever1 winter123 winter2023 winter2024 xxxxxxxx zaq12wsx zaq1zaq1
zxcvbnm1 zxcvbnm123 zzzzzzzz
""".split()
)
