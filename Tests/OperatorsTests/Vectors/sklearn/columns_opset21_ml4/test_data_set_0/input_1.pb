(J paAÉWBeŠ@ÅÌîA¸|dAÛIAE˜²AÊ¸¤B}kSBÆo¸AlŠþA¼hB6%BìÂ
BŠº
BüÔßA|i2AÅ«Aˆ¿—A½»ºA~Ý¸AÆgîA¯îBP=#B¬-B+¬¼@ÅjDBÛ/AC@xB1]A¡{áA†¾ZAÏÇóAh¥BBac>BPžŠBÌ˜gB.±A‰úA